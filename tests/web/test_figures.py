"""What pages show is what the API says."""
from browser import cases

Figures = cases("figures")
