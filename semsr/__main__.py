"""`python -m semsr`, the same as the `semsr` command."""

from semsr.cli import main

if __name__ == "__main__":
    main()
