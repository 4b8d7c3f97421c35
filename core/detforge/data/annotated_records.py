"""Records for the images, and the COCO file that they were made from for what is in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from detforge.data.samples import Sample, SampleSource
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from detforge.data.coco import CocoFile
    from detforge.data.records import RecordSource


class AnnotatedRecords(SampleSource):
    """The images of some records, with the objects that a COCO file lists for them.

    Converters leave out what they cannot use, and some keep no crowds or areas. The file has it
    all, and scores are compared with it.
    """

    drop_advice = "; objects cannot be left out of the annotations"

    def __init__(self, records: RecordSource, annotations: CocoFile) -> None:
        """Put the two together; images are matched when they are read.

        Args:
            records: images with their ids or file names.
            annotations: what is in them, maybe in others too.
        """
        self.name = f"{records.name} with {annotations.name}"
        self.categories = annotations.categories
        self._records = records
        self._annotations = annotations

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, row: int) -> Sample:
        record = self._records[row]
        found = self._annotations.row_of(record.source_id, record.name)
        if found is None:
            raise DatasetError(
                f"{self._annotations.name} does not list the image {record.name!r} (id "
                f"{record.source_id!r}) of {self._records.name}; name the file that the records "
                "were made from"
            )
        truth = self._annotations.truth(found)
        return replace(truth, encoded=record.encoded, path=record.path)

    def class_counts(self) -> dict[str, int]:
        """Return class name -> objects in the whole COCO file."""
        return self._annotations.class_counts()

    def max_objects(self) -> int:
        """Return the largest number of objects in one image of the COCO file."""
        return self._annotations.max_objects()
