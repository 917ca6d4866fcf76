use super::baseline::Sequential;
use super::header::Header;
use super::progressive::Progressive;
use super::{BlockSide, JpegError, Read};
use crate::cpu::Cpu;
use crate::input::Input;
use crate::planes::RowSink;

/// Decodes one image after another with the same buffers.
#[derive(Debug)]
pub(crate) struct Decoder {
    cpu: Cpu,
    sequential: Sequential,
    progressive: Progressive,
}

impl Decoder {
    /// A decoder for a processor, without buffers yet.
    pub(crate) fn new(cpu: Cpu) -> Self {
        Self {
            cpu,
            sequential: Sequential::new(),
            progressive: Progressive::new(),
        }
    }

    /// Decodes component i of the image to `sides[i]` and gives its rows to the sink. The picture is the same with any
    /// number of `threads`; more than one are of use only for a sequential image that is there as a whole.
    ///
    /// A picture is whole or an error: when the entropy-coded bytes that its sides need are cut short or broken, nothing
    /// is made up for them. What the sink has got before an error is of no use.
    ///
    /// # Errors
    ///
    /// See [`JpegError`].
    pub(crate) fn decode(
        &mut self,
        input: &mut dyn Input,
        header: &Header,
        sides: &[BlockSide],
        threads: usize,
        sink: &mut dyn RowSink,
    ) -> Result<Read, JpegError> {
        if sides.len() != header.components.len() {
            return Err(JpegError::Unsupported(
                "another number of sides than of components",
            ));
        }
        if header.progressive {
            return self
                .progressive
                .decode(self.cpu, input, header, sides, sink);
        }
        self.sequential
            .decode(self.cpu, input, header, sides, threads, sink)
    }
}
