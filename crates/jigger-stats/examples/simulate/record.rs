//! What visits of a real server look like.

/// Visits of gunicorn in a run of the default suite on a shared virtual machine: the logarithms of
/// the rates in seven rounds of two entries, in the scenarios `sequential`,
/// `sequential-keep-alive` and `saturation`, each scenario brought to mean 0 and standard
/// deviation 1. They have two peaks and a long tail to the left.
pub const VISITS: [f64; 42] = [
    0.6028, -1.3276, -0.1219, 0.3112, -1.7795, 1.0167, -1.1353, //
    1.0487, -1.4698, 0.9387, -0.1096, 0.9067, -0.0200, 1.1390, //
    0.7207, -1.0116, -0.5712, 0.8030, -1.8149, 1.0835, -1.3233, //
    1.2548, -1.3489, 0.7321, 0.8246, 0.8034, -0.0777, -0.0743, //
    0.7446, -0.0220, -0.8336, 0.5210, -1.5732, 0.4969, 0.1213, //
    1.3133, -2.4716, 1.0221, -0.3964, 0.8140, 0.0646, 0.1991,
];

/// The standard deviations of visits on the log scale in that run: both entries of gunicorn, then
/// Gin, Flask's own server and axum.
pub const DEVIATIONS: [f64; 5] = [0.24, 0.24, 0.115, 0.07, 0.09];
