"""What methods that restore by diffusion share: first latents, guidance, the loop, tiles, the autoencoder in tiles, colours, sizes."""
