"""Keys of the programs that call ``/v1``."""
