//! Nothing. That a build depends on this makes features the same in every build of the workspace, so that polars, which takes minutes, is built once and not
//! again for neural nets, the Python package or a build without Maybenot.
