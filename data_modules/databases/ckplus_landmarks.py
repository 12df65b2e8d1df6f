"""CK+ as landmarks: the 68 points of every frame that come with it, without the pictures."""

from dataclasses import replace

from data_modules.databases.ckplus import CKPlus


class CKPlusLandmarks(CKPlus):
    """Reader of the landmarks of CK+, from neutral to peak; the representation must be ``LandmarkFlow``.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``CKPLUS_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = replace(
        CKPlus.description,
        name="ckplus_landmarks",
        title="CK+ landmarks",
        tree="""\
CKPLUS/
  Landmarks/S005/001/S005_001_00000001_landmarks.txt …       68 lines "x y"
  Emotion/S005/001/S005_001_00000011_emotion.txt             or Emotion_labels/Emotion; some folders are empty
  FACS/S005/001/S005_001_00000011_facs.txt                   or FACS_labels/FACS; may be missing""",
        people="ckplus",
    )
    frames = ("Landmarks",)
