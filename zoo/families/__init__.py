"""One paper, one file. A file here that defines FAMILY is part of the zoo; nothing has to be registered."""
