"""Labelled images on the host: reading, converting to records, augmenting, batching.

Everything here is numpy, OpenCV, threads and processes; no tensor library is imported. Boxes are
xyxy, float32, in pixels of the source image until `augment` or `batches` moves them into the
network input.

    boxes                boxes as arrays: faults, clipping, overlap
    images, headers      pixels: decode, check, bring into the network's form
    masks, outlines      objects' shapes: PNG files, polygons, run lengths
    samples              one labelled image, and a source of them
    kitti                folders of images and labels
    coco, coco_table, coco_entries, json_stream
                         COCO files, read as a stream into a few arrays
    tfrecord, features, examples, tao_examples
                         records: frames, their values, the layouts of ours and of TAO
    record_files, manifest, records, annotated_records
                         record files, what a conversion wrote, reading them back
    sources, concatenation
                         what a spec names -> one source
    labels               names in the data against the classes of a run
    convert, spec_conversion, coco_conversion, conversion_plan
                         the task dataset_convert: what is to be written
    partition, sample_modifier, renaming, image_checks
                         which images come into which fold, under which names; their check
    writer, shards, processes, progress
                         labelled images -> records, in processes, complete or not at all
    affine, placement    where pixels go, and where they came from
    framing, rendering   how an image comes into the network input; its pixels and masks, moved
    transforms, augment  random views of an image for training
    targets              what a view asks the network to find
    order, shape_buckets which image comes when, in batches of one shape
    ordered, batches, batch_processes
                         batches prepared by threads or processes, in order
    scenes               a data set of drawn shapes, for demonstrations and tests
"""
