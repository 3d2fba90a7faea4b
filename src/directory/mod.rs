//! Recipients are found here, through the view `neurolink_directory` and no other way.
