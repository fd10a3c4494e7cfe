"""Pet photos in; animals, looks and heroes out."""

__version__ = "0.1.0"
