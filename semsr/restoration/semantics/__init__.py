"""What a pretrained network sees in a picture, and how a discriminator is told of it; see docs/semantic-discriminator.md."""
