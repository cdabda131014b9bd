//! What a program that builds models uses: `use nn::prelude::*`.

// The crate itself, since `#[derive(Module)]` names it.
pub use crate as nn;
pub use crate::{
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool1d, AdaptiveMaxPool2d,
    AdaptiveMaxPool3d, AvgPool1d, AvgPool2d, AvgPool3d, BCELoss, BCEWithLogitsLoss, BatchNorm1d, BatchNorm2d,
    BatchNorm3d, Buffer, CELU, CTCLoss, CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad1d,
    ConstantPad2d, ConstantPad3d, Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d,
    CosineSimilarity, CrossEntropyLoss, Dropout, Dropout1d, Dropout2d, Dropout3d, ELU, Embedding, Flatten,
    Fold, GELU, GLU, GRU, GRUCell, GroupNorm, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, HuberLoss,
    Identity, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, KLDivLoss, L1Loss, LSTM, LSTMCell, Layer,
    LayerNorm, LeakyReLU, Linear, LogSigmoid, LogSoftmax, MSELoss, MaxPool1d, MaxPool2d, MaxPool3d, Mish,
    Module, ModuleDict, ModuleList, MultiheadAttention, NLLLoss, PReLU, PairwiseDistance, PixelShuffle,
    PixelUnshuffle, RMSNorm, RNN, RNNCell, ReLU, ReLU6, ReflectionPad1d, ReflectionPad2d, ReflectionPad3d,
    ReplicationPad1d, ReplicationPad2d, ReplicationPad3d, SELU, Sequential, SiLU, Sigmoid, SmoothL1Loss,
    Softmax, Softmin, Softplus, Softshrink, Softsign, SpectralNorm, Tanh, Tanhshrink, Threshold, Training,
    TransformerDecoder, TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer, Unfold,
    Upsample, WeightNorm, ZeroPad1d, ZeroPad2d, ZeroPad3d, sequential,
};
