"""Image files that OpenCV does not write: palettes, CMYK, transparency, EXIF."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np


def jpeg(image_rgb):
    """A JPEG file of uint8 (H, W, 3), or of (H, W) in grey."""
    return cv2.imencode(".jpg", _bgr(image_rgb))[1].tobytes()


def png(image_rgb):
    """A PNG file of 8 or 16 bits, grey, RGB or RGBA."""
    return cv2.imencode(".png", _bgr(image_rgb))[1].tobytes()


def turned(jpeg_file, orientation, order="<"):
    """A JPEG file with an EXIF orientation."""
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    # One entry: orientation (0x0112), a SHORT, once.
    tiff = mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return with_segment(jpeg_file, 0xE1, b"Exif\0\0" + tiff)


def with_segment(jpeg_file, marker, content):
    """A JPEG file with a further segment at its start."""
    segment = struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
    return jpeg_file[:2] + segment + jpeg_file[2:]


def palette_png(width, height, colors, *, transparent=False):
    """A PNG file whose rows run through a palette of RGB colors."""
    row = b"\0" + bytes(x % len(colors) for x in range(width))
    chunks = [(b"PLTE", bytes(np.array(colors, np.uint8).tobytes()))]
    if transparent:
        chunks.append((b"tRNS", b"\x80"))
    return png_of_chunks(
        struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0),
        [*chunks, (b"IDAT", zlib.compress(row * height))],
    )


def png_of_chunks(header, chunks):
    """A PNG file of these chunks between its header and its end."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in [(b"IHDR", header), *chunks, (b"IEND", b"")]
    )


def cmyk_jpeg(width, height, cmyk):
    """A baseline JPEG file in one color: four components, of the values stored in it.

    Every block is a difference from the last, the first of which is the color; Huffman codes have
    four bits for the lengths 0 to 8 of a difference and one bit for the end of a block.
    """
    lengths = bytes([0, 0, 0, 9] + [0] * 12) + bytes(range(9))
    ends = bytes([1] + [0] * 15) + b"\0"
    bits = "".join(_difference(value - 128) + "0" for value in cmyk)
    bits += ("0000" + "0") * 4 * (-(-width // 8) * -(-height // 8) - 1)
    scan = int(bits.ljust(-(-len(bits) // 8) * 8, "1"), 2).to_bytes(-(-len(bits) // 8), "big")
    parts = [
        (0xDB, b"\0" + b"\x08" * 64),
        (
            0xC0,
            struct.pack(">BHHB", 8, height, width, 4)
            + b"".join(bytes([number, 0x11, 0]) for number in range(1, 5)),
        ),
        (0xC4, b"\x00" + lengths),
        (0xC4, b"\x10" + ends),
        (0xDA, b"\x04" + b"".join(bytes([number, 0]) for number in range(1, 5)) + b"\0\x3f\0"),
    ]
    segments = (struct.pack(">BBH", 0xFF, m, len(content) + 2) + content for m, content in parts)
    return b"\xff\xd8" + b"".join(segments) + scan.replace(b"\xff", b"\xff\0") + b"\xff\xd9"


def _difference(value):
    """The bits of a difference: its length by Huffman's code, then itself."""
    length = abs(value).bit_length()
    stored = value if value > 0 else value + (1 << length) - 1
    return f"{length:04b}" + (f"{stored:0{length}b}" if length else "")


def _bgr(image_rgb):
    if image_rgb.ndim == 2:
        return image_rgb
    order = [2, 1, 0, 3][: image_rgb.shape[2]]
    return np.ascontiguousarray(image_rgb[..., order])
