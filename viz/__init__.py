"""What can be computed about a network and drawn: methods, tensors in and tensors out; figures, numbers in."""
