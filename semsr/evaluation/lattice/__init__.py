"""Other ways of measuring the same pictures, as data: what a paper may have done that its protocol does not say."""
