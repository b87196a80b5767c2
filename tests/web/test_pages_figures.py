"""Pages of figures: drawn in light, dark and on a phone, usable by everybody, reached by the keyboard. Pictures are kept in BUILD/screenshots."""
from browser import cases

Pages = cases("pages-figures")
