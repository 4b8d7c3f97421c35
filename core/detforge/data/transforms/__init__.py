"""Random changes of a training image, a file each; `detforge.data.augment` applies them.

What moves the image takes a `Draft`, the values of the recipe and a generator, and returns the
draft moved on. What changes colours returns operations on pixels.
"""
