//! What a program that builds models uses: `use nn::prelude::*`.

// The crate itself, since `#[derive(Module)]` names it.
pub use crate as nn;
pub use crate::{
    AvgPool2d, BatchNorm1d, BatchNorm2d, BatchNorm3d, Buffer, Conv2d, CrossEntropyLoss, Dropout, Embedding,
    Flatten, GELU, GRU, GRUCell, Identity, LSTM, LSTMCell, Layer, LayerNorm, Linear, LogSoftmax, MSELoss,
    MaxPool2d, Module, ModuleDict, ModuleList, MultiheadAttention, RMSNorm, RNN, RNNCell, ReLU, Sequential,
    SiLU, Sigmoid, Softmax, Tanh, Training, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer, sequential,
};
