//! What a program that builds models uses: `use nn::prelude::*`.

// The crate itself, since `#[derive(Module)]` names it.
pub use crate as nn;
pub use crate::{
    AvgPool2d, BCELoss, BCEWithLogitsLoss, BatchNorm1d, BatchNorm2d, BatchNorm3d, Buffer, Conv1d, Conv2d,
    Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, CrossEntropyLoss, Dropout, Embedding, Flatten,
    GELU, GRU, GRUCell, HuberLoss, Identity, KLDivLoss, L1Loss, LSTM, LSTMCell, Layer, LayerNorm, Linear,
    LogSoftmax, MSELoss, MaxPool2d, Module, ModuleDict, ModuleList, MultiheadAttention, NLLLoss, RMSNorm,
    RNN, RNNCell, ReLU, Sequential, SiLU, Sigmoid, SmoothL1Loss, Softmax, Tanh, Training, TransformerDecoder,
    TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer, sequential,
};
