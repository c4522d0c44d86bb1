"""OpenAI Responses (`POST /v1/responses`): OpenAI's second wire, for callers and for targets."""

from __future__ import annotations

from functools import partial

from ..codec import Codec
from ..sse import SseFramer, SseScanner
from .errors import decode_error, encode_error
from .fields import OWN
from .items import strip, unknown_to_openai
from .request import decode_request, encode_request
from .response import decode_response, decode_usage, encode_response
from .stream import END, TERMINAL, StreamDecoder, StreamEncoder, continuing, frame

CODEC = Codec(
    provider="openai",
    second=OWN,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    decode_usage=partial(decode_usage, where="openai responses response: usage"),
    stream_decoder=StreamDecoder,
    stream_encoder=StreamEncoder,
    continuing=continuing,
    framer=SseFramer,
    scanner=SseScanner,
    frame=frame,
    end=END,
    terminal=TERMINAL,
    stream_content_type="text/event-stream",
    decode_error=decode_error,
    encode_error=encode_error,
    strip=strip,
    unknown=unknown_to_openai,
    seals_thoughts=True,
    hands_errors_on=True,
    tells_malformed=False,
)
