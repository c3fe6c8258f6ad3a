"""DICOM: headers, series read as one volume, segmentations and structures drawn on it, folders scanned."""
