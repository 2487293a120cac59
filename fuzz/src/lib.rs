//! Fuzz targets: one line each, calling functions that live beside the parsers.
