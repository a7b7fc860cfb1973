"""SeeSR's diffusion model: U-Net and ControlNet that also look at a picture's tokens, autoencoder, text encoder, noise schedule."""
