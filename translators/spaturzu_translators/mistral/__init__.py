"""Mistral chat completions, as mistralai 3.7 puts them on the wire and parses them."""

from __future__ import annotations

from functools import partial

from ..codec import Codec
from ..sse import SseFramer, SseScanner
from .content import strip
from .errors import decode_error, encode_error
from .request import decode_request, encode_request
from .response import decode_response, decode_usage, encode_response
from .stream import CONTENT_TYPE, END, TERMINAL, StreamDecoder, StreamEncoder, continuing, frame

CODEC = Codec(
    provider="mistral",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    decode_usage=partial(decode_usage, who="mistral response: usage"),
    stream_decoder=StreamDecoder,
    stream_encoder=StreamEncoder,
    continuing=continuing,
    framer=SseFramer,
    scanner=SseScanner,
    frame=frame,
    end=END,
    terminal=TERMINAL,
    stream_content_type=CONTENT_TYPE,
    decode_error=decode_error,
    encode_error=encode_error,
    strip=strip,
    prefills=lambda model: True,
)
