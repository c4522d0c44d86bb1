"""Amazon Bedrock's Converse and ConverseStream, as REST JSON and event-stream frames."""

from __future__ import annotations

from ..codec import Codec
from ..eventstream import EventStreamFramer, EventStreamScanner
from .content import strip
from .errors import decode_error, encode_error
from .model_facts import prefills
from .request import decode_request, encode_request
from .response import decode_response, decode_usage, encode_response, timed
from .stream import TERMINAL, StreamDecoder, StreamEncoder, continuing, frame

CODEC = Codec(
    provider="bedrock",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    decode_usage=decode_usage,
    stream_decoder=StreamDecoder,
    stream_encoder=StreamEncoder,
    continuing=continuing,
    framer=EventStreamFramer,
    scanner=EventStreamScanner,
    frame=frame,
    end=b"",
    terminal=TERMINAL,
    stream_content_type="application/vnd.amazon.eventstream",
    decode_error=decode_error,
    encode_error=encode_error,
    strip=strip,
    prefills=prefills,
    seals_thoughts=True,
    timed=timed,
)
