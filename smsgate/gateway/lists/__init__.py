"""Lists of numbers: brought in, cleaned, taken out."""
