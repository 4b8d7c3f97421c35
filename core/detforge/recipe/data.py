"""Where images and labels come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSource:
    """Where labelled images come from: records, or a KITTI pair of folders.

    Attributes:
        records: glob pattern, prefix, file or folder of TFRecord shards; or None.
        images: folder of images, also of records that do not hold their images; or None.
        labels: folder of KITTI label files; or None.
        annotations: COCO file that the records were made from: names and truth; or None.
        weight: how often its images are drawn, relative to the other sources.
        field: path of the spec field that named it, for messages.
    """

    records: str | None = None
    images: str | None = None
    labels: str | None = None
    annotations: str | None = None
    weight: float = 1.0
    field: str = ""

    @classmethod
    def of_pattern(cls, records: str, field: str, annotations: str = "") -> tuple[DataSource, ...]:
        """Return the source that a spec names by one pattern, or none where it names nothing.

        Args:
            records: glob pattern; empty for none.
            field: path of the spec field that holds the pattern.
            annotations: COCO file; empty for none.
        """
        if not (records or annotations):
            return ()
        return (cls(records=records or None, annotations=annotations or None, field=field),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """Images and labels of a run.

    Attributes:
        training: sources of the training set, concatenated.
        validation: sources of the validation set, concatenated.
        batch_size: images per step and device.
        include_difficult: train on objects marked difficult (KITTI: occluded); otherwise
            they are ignored.
        mask_size: side of the square masks in a batch; 0 for no masks.
        workers: threads that prepare batches; 0 for one per core.
        multiprocessing: processes instead of threads.
        max_queue_size: batches prepared ahead.
        validation_fold: fold of the training records that validates instead of training.
        skip_crowd: leave objects marked as a crowd out of training.
        max_objects: largest number of objects of an image; None for as many as the data have.
        max_objects_field: path of the spec field with that number where an image with more is an
            error; empty where its largest objects are used.
        image_extension: of images beside records, without a dot; empty for what is found.
        images_per_epoch: images of each device that make one epoch; 0 for its share of the
            training set.
        equal_sources: draw from each training source equally often, whatever its size.
        min_box_width: narrower objects are left out; pixels of the network input.
        min_box_height: lower ones likewise.
    """

    training: tuple[DataSource, ...]
    validation: tuple[DataSource, ...] = ()
    batch_size: int = 8
    include_difficult: bool = True
    mask_size: int = 0
    workers: int = 0
    multiprocessing: bool = False
    max_queue_size: int = 8
    validation_fold: int | None = None
    skip_crowd: bool = False
    max_objects: int | None = None
    max_objects_field: str = ""
    image_extension: str = ""
    images_per_epoch: int = 0
    equal_sources: bool = False
    min_box_width: float = 0.0
    min_box_height: float = 0.0
