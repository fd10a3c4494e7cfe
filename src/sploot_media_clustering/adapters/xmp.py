"""What is known of a photo as XMP: a packet for a sidecar, or put into a JPEG without touching its pixels.

Keywords are ``dc:subject``, their hierarchy is Lightroom's, animals are regions of the Metadata Working Group
("Guidelines for handling image metadata", version 2.0, section 5.9), and stars are ``xmp:Rating``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from sploot_media_clustering.errors import UnreadablePhotoError
from sploot_media_clustering.services.exporting import About, Region

_MARKER: Final = b"http://ns.adobe.com/xap/1.0/\x00"
_APP1: Final = 0xE1
_MARKS: Final = 0xFF
_BEFORE_IMAGE: Final = range(0xE0, 0xF0)
"""Application segments, among which ours goes: after the JFIF and Exif ones that must come first."""

_FIRST: Final = (b"JFIF\x00", b"Exif\x00")
_MOST_SEGMENT_BYTES: Final = 0xFFFF - 2
_HEAD: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"'
    ' xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"'
    ' xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"'
    ' xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#">\n'
)
_TAIL: Final = '</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>\n'


def packet(about: About) -> bytes:
    """An XMP packet, UTF-8."""
    parts = [
        _HEAD,
        _bag("dc:subject", about.keywords),
        _bag("lr:hierarchicalSubject", map("|".join, about.paths)),
        f"<xmp:Rating>{about.rating}</xmp:Rating>\n" if about.rating else "",
        _regions(about) if about.regions else "",
        _TAIL,
    ]
    return "".join(parts).encode()


def _bag(name: str, items: Iterable[str]) -> str:
    inside = "".join(f"<rdf:li>{escape(item)}</rdf:li>" for item in items)
    return f"<{name}><rdf:Bag>{inside}</rdf:Bag></{name}>\n" if inside else ""


def _regions(about: About) -> str:
    size = f'stDim:w="{about.width_px}" stDim:h="{about.height_px}" stDim:unit="pixel"'
    return (
        f'<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions {size}/>'
        f"<mwg-rs:RegionList><rdf:Bag>{''.join(map(_region, about.regions))}</rdf:Bag></mwg-rs:RegionList>"
        "</mwg-rs:Regions>\n"
    )


def _region(region: Region) -> str:
    left, top, right, bottom = region.box
    area = (
        f'stArea:x="{(left + right) / 2:.4f}" stArea:y="{(top + bottom) / 2:.4f}"'
        f' stArea:w="{right - left:.4f}" stArea:h="{bottom - top:.4f}" stArea:unit="normalized"'
    )
    return (
        f'<rdf:li><rdf:Description mwg-rs:Name={quoteattr(region.name)} mwg-rs:Type="Pet">'
        f"<mwg-rs:Area {area}/></rdf:Description></rdf:li>"
    )


def is_jpeg(data: bytes) -> bool:
    """Whether a file begins as a JPEG does."""
    return data[:3] == b"\xff\xd8\xff"


def has_xmp(jpeg: bytes) -> bool:
    """Whether a JPEG has an XMP packet of its own, which an export must not replace."""
    return any(jpeg.startswith(_MARKER, start + 4) for start, _ in _segments(jpeg))


def with_xmp(jpeg: bytes, xmp: bytes) -> bytes:
    """The JPEG with one more segment; every other byte stays.

    Raises:
        UnreadablePhotoError: the packet is too large for a segment.
    """
    body = _MARKER + xmp
    if len(body) > _MOST_SEGMENT_BYTES:
        raise UnreadablePhotoError(f"expected at most {_MOST_SEGMENT_BYTES} bytes of XMP, got {len(body)}")
    place = 2
    for start, end in _segments(jpeg):
        if jpeg[start + 4 : start + 9] in _FIRST:
            place = end
    segment = bytes([_MARKS, _APP1]) + (len(body) + 2).to_bytes(2, "big") + body
    return jpeg[:place] + segment + jpeg[place:]


def _segments(jpeg: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each application segment at the head of the file."""
    start = 2
    while start + 4 <= len(jpeg) and jpeg[start] == _MARKS and jpeg[start + 1] in _BEFORE_IMAGE:
        end = start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big")
        yield start, end
        start = end
