//! Neural network modules with PyTorch's names, defaults and initial values.
//!
//! A model is a struct of layers that derives [`Module`]; its `forward` is written in plain Rust. Chains of layers are
//! [`Sequential`].
//!
//! ```
//! use nn::prelude::*;
//! use autograd::{DType, Tensor, tensor_core::Rng};
//!
//! let rng = Rng::seed(0);
//! let model = sequential![Linear::new(64, 128, &rng)?, ReLU, Linear::new(128, 10, &rng)?];
//! let x = Tensor::ones([4, 64], DType::F32)?;
//! let loss = model.forward(&x.into())?.sum()?;
//! loss.backward()?;
//! assert!(model.parameters().iter().all(|parameter| parameter.grad().is_some()));
//! # Ok::<(), nn::Error>(())
//! ```
//!
//! `new` takes PyTorch's positional arguments and its defaults for all others. The others are methods: of
//! `options(..)`, which ends with `build`, where a layer has parameters (`Conv2d::options(1, 32, 3).padding(1).build(&rng)?`);
//! of the layer itself where it has none (`MaxPool2d::new(3).stride(2)`). What draws initial values or dropout masks
//! takes the [`Rng`](autograd::tensor_core::Rng) to draw them from.

// The derive names this crate `nn`, here too.
extern crate self as nn;

mod buffer;
mod ctc_loss;
mod error;
mod grad_report;
mod hook;
pub mod init;
mod layer;
mod layers;
mod loss;
mod module;
mod module_dict;
mod part;
mod place;
pub mod prelude;
mod repr;
mod sequential;
mod state_dict;
mod summary;
mod training;
mod vector;
mod walk;

pub use autograd::Shape;
pub use buffer::Buffer;
pub use ctc_loss::CTCLoss;
pub use error::{Error, Result, StateDictError};
pub use grad_report::grad_report;
pub use hook::{ForwardHook, register_forward_hook, register_module_forward_hook};
pub use layer::Layer;
pub use layers::activation::{
    CELU, ELU, GELU, GLU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid, LogSoftmax,
    Mish, PReLU, PReLUOptions, ReLU, ReLU6, SELU, SiLU, Sigmoid, Softmax, Softmin, Softplus, Softshrink,
    Softsign, Tanh, Tanhshrink, Threshold,
};
pub use layers::adaptive_pool::{
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool1d, AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
};
pub use layers::attention::mask::AttentionMasks;
pub use layers::attention::{MultiheadAttention, MultiheadAttentionOptions};
pub use layers::batch_norm::{BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, BatchNormOptions};
pub use layers::conv::{Conv, Conv1d, Conv2d, Conv3d, ConvLayerOptions, PaddingMode};
pub use layers::conv_transpose::{
    ConvTranspose, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, ConvTransposeLayerOptions,
};
pub use layers::distance::{CosineSimilarity, PairwiseDistance};
pub use layers::dropout::{Dropout, Dropout1d, Dropout2d, Dropout3d};
pub use layers::embedding::{Embedding, EmbeddingOptions};
pub use layers::fold::{Fold, Unfold};
pub use layers::group_norm::{GroupNorm, GroupNormOptions};
pub use layers::instance_norm::{
    InstanceNorm, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, InstanceNormOptions,
};
pub use layers::linear::{Linear, LinearOptions};
pub use layers::norm::{LayerNorm, LayerNormOptions, RMSNorm, RMSNormOptions};
pub use layers::pad::{
    CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad1d, ConstantPad2d, ConstantPad3d,
    ReflectionPad1d, ReflectionPad2d, ReflectionPad3d, ReplicationPad1d, ReplicationPad2d, ReplicationPad3d,
    ZeroPad1d, ZeroPad2d, ZeroPad3d,
};
pub use layers::parametrize::{SpectralNorm, SpectralNormOptions, WeightNorm, Weighted};
pub use layers::pool::{AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d};
pub use layers::recurrent::cell::{CellOptions, GRUCell, LSTMCell, RNNCell};
pub use layers::recurrent::{GRU, LSTM, RNN, RecurrentOptions};
pub use layers::shape::{Flatten, Identity, PixelShuffle, PixelUnshuffle};
pub use layers::size::{PerDim, Sizes};
pub use layers::transformer::{
    TransformerActivation, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer, TransformerOptions,
};
pub use layers::upsample::Upsample;
pub use loss::{
    BCELoss, BCEWithLogitsLoss, CosineEmbeddingLoss, CrossEntropyLoss, GaussianNLLLoss, HingeEmbeddingLoss,
    HuberLoss, KLDivLoss, L1Loss, MSELoss, MarginRankingLoss, MultiMarginLoss, NLLLoss, PoissonNLLLoss,
    SmoothL1Loss, SoftMarginLoss, TripletMarginLoss,
};
pub use module::Module;
pub use module_dict::{ModuleDict, ModuleList};
pub use nn_derive::Module;
pub use place::{ModuleId, within};
pub use sequential::Sequential;
pub use state_dict::{IncompatibleKeys, StateDict};
pub use summary::{Summary, SummaryRow, summary, summary_of};
pub use training::Training;
pub use vector::{parameters_to_vector, vector_to_parameters};
pub use walk::{Part, Walk};
