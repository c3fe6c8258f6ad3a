"""The application: view-models, their Qt and notebook views, and the napari viewer."""
