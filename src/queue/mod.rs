//! Stations 3 and 7: jobs.
