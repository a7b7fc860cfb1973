"""Tables of how much meaning restorations keep: judges' numbers between floor and ceiling, and whether the judges agree."""
