"""Labelled images on the host: reading, converting to records, augmenting, batching.

Everything here is numpy, OpenCV and threads; no tensor library is imported. Boxes are xyxy,
float32, in pixels of the source image until `augment` or `batches` moves them into the network
input.

    boxes                boxes as arrays: faults, clipping, overlap
    images, headers      pixels: decode, check, bring into the network's form
    samples              one labelled image, and a source of them
    kitti, coco, masks   readers of labelled images
    tfrecord, examples, manifest, records
                         records: frames, messages, what a conversion wrote, reading them back
    convert, writer      labelled images -> records, complete or not at all
    sources              what a spec names -> one source
    labels               names in the data against the classes of a run
    affine, placement    where pixels go, and where they came from
    framing, rendering   how an image comes into the network input; its pixels and masks, moved
    transforms, augment  random views of an image for training
    targets              what a view asks the network to find
    order, shape_buckets which image comes when, in batches of one shape
    ordered, batches     batches prepared by threads, in order
    scenes               a data set of drawn shapes, for demonstrations and tests
"""
