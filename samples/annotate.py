"""Draw what the embedded crack finder answers onto the sample: `python -m samples.annotate`."""

import cv2

from anomaly.bootstrap import load
from anomaly.imaging.draw import annotate
from anomaly.imaging.photo import Photo
from anomaly.settings import Settings
from anomaly.types import Limits, Options
from samples.make import HERE


def main() -> None:
    """Write `annotated.jpg` beside the sample."""
    frame = Photo((HERE / "crack.jpg").read_bytes()).frame(Limits())
    findings = load(Settings(detector_backend="starter")).pipeline.run(frame, Options())
    drawn = annotate(frame.image, findings)
    cv2.imwrite(str(HERE / "annotated.jpg"), drawn[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
