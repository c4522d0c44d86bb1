"""The messages API of Anthropic."""

from __future__ import annotations

from ..codec import Codec
from ..sse import SseFramer, SseScanner
from .errors import decode_error, encode_error
from .model_facts import prefills
from .request import decode_request, encode_request
from .response import decode_response, decode_usage, encode_response
from .stream import TERMINAL, StreamDecoder, StreamEncoder, continuing, frame
from .thinking import strip

CODEC = Codec(
    provider="anthropic",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    decode_usage=decode_usage,
    stream_decoder=StreamDecoder,
    stream_encoder=StreamEncoder,
    continuing=continuing,
    framer=SseFramer,
    scanner=SseScanner,
    frame=frame,
    end=b"",
    terminal=TERMINAL,
    stream_content_type="text/event-stream; charset=utf-8",
    decode_error=decode_error,
    encode_error=encode_error,
    strip=strip,
    prefills=prefills,
    seals_thoughts=True,
    tells_malformed=False,
)
