//! Where nets are computed.

use burn_tensor::Device;

/// The first GPU of NVIDIA with the feature `deep-cuda`, else the processor.
pub(super) fn device() -> Device {
    #[cfg(feature = "deep-cuda")]
    return Device::cuda(0);
    #[cfg(not(feature = "deep-cuda"))]
    Device::flex()
}
