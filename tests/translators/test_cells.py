"""What the tables of provider facts say of every pair (sections 10 and 11, 2026-11-22), as data, against the codecs.

Each row is a feature as it stands on the caller's wire, and a letter for each target: M mapped, E emulated by other
means (or mapped), D dropped with a report, S the target is skipped. Tables 11.1 to 11.5 are those of OpenAI, Anthropic,
Bedrock, Gemini and Mistral. Where a letter is not the table's, we carry more than it says (a user id as metadata for
OpenAI callers too, OpenAI's `store` to Gemini, as 11.4 carries Gemini's to OpenAI, a text document as text, images in
Mistral's results, Gemini's resolution of all media as the `detail` of OpenAI's and Mistral's pictures) or refuse to
leave out what stops an answer: a moderation that blocks, which table 11.1 drops with all moderation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from spaturzu_translators import Loss, Provider, codec
from spaturzu_translators.requests import Request, WireRequest

PNG, PDF, WAV = "iVBORw0KGgo=", "JVBERi0=", "UklGRg=="
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
MODELS: dict[Provider, str] = {
    "openai": "gpt-6.2",
    "anthropic": "claude-opus-5-5",
    "bedrock": "anthropic.claude-opus-5-5-v1:0",
    "gemini": "gemini-3.8-flash",
    "mistral": "mistral-large-latest",
}
CALLERS: dict[Provider, str] = {
    **MODELS,
    "anthropic": "claude-opus-4-6",
    "bedrock": "anthropic.claude-opus-4-6-v1",
}
"""Models that take both ways of asking for thought."""
PLAIN: dict[Provider, dict[str, Any]] = {
    "openai": {"messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 100},
    "anthropic": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 100},
    "bedrock": {"messages": [{"role": "user", "content": [{"text": "hi"}]}], "inferenceConfig": {"maxTokens": 100}},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 100}},
    "mistral": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 100},
}
ORDER: dict[Provider, tuple[Provider, ...]] = {
    "openai": ("anthropic", "bedrock", "gemini", "mistral"),
    "anthropic": ("openai", "bedrock", "gemini", "mistral"),
    "bedrock": ("openai", "anthropic", "gemini", "mistral"),
    "gemini": ("openai", "anthropic", "bedrock", "mistral"),
    "mistral": ("openai", "anthropic", "bedrock", "gemini"),
}
"""The columns of each table."""
TABLES: dict[Provider, str] = {
    "openai": "11.1",
    "anthropic": "11.2",
    "bedrock": "11.3",
    "gemini": "11.4",
    "mistral": "11.5",
}


def chat(*parts: Any, **more: Any) -> dict[str, Any]:
    """An OpenAI or Mistral body of one user turn."""
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, *parts]}], **more}


def turns(*said: Any, **more: Any) -> dict[str, Any]:
    """A body of these messages after the user's first."""
    return {"messages": [{"role": "user", "content": "hi"}, *said], **more}


def converse(*blocks: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"text": "hi"}, *blocks]}], **more}


def contents(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "hi"}, *parts]}], **more}


def generation(**more: Any) -> dict[str, Any]:
    return {"generationConfig": {"maxOutputTokens": 100, **more}}


FUNCTION = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
CALL = {"id": "callAB123", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
BAD_CALL = {"id": "callAB123", "type": "function", "function": {"name": "f", "arguments": '{"a": '}}
ANSWERED = {"role": "tool", "tool_call_id": "callAB123", "content": "42"}
CLAUDE_TOOL = {"name": "f", "description": "d", "input_schema": SCHEMA}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
CLAUDE_CALL = {"role": "assistant", "content": [USE]}
CLAUDE_PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
SPEC = {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": SCHEMA}}}
CONVERSE_CALL = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}}]}
CONVERSE_PNG = {"image": {"format": "png", "source": {"bytes": PNG}}}
DECLARED = {"functionDeclarations": [{"name": "f", "description": "d", "parametersJsonSchema": SCHEMA}]}
ASKED_GEMINI = {"role": "user", "parts": [{"text": "hi"}]}


def claude_result(**more: Any) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "42", **more}
    return turns(CLAUDE_CALL, {"role": "user", "content": [result]}, tools=[CLAUDE_TOOL])


def converse_result(*content: Any, **more: Any) -> dict[str, Any]:
    result = {"toolResult": {"toolUseId": "t1", "content": list(content), **more}}
    asked = {"role": "user", "content": [{"text": "hi"}]}
    return {"messages": [asked, CONVERSE_CALL, {"role": "user", "content": [result]}], "toolConfig": {"tools": [SPEC]}}


def called_gemini(call: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    model = {"role": "model", "parts": [call]}
    answer = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "42"}, **result}}]}
    return {"contents": [ASKED_GEMINI, model, answer], "tools": [DECLARED]}


Row = tuple[str, dict[str, Any], str]
FROM: dict[Provider, list[Row]] = {
    "openai": [
        ("n", {"n": 2}, "SSMM"),
        ("logprobs", {"logprobs": True}, "SSMM"),
        ("top_logprobs", {"logprobs": True, "top_logprobs": 2}, "SSMM"),
        ("logit_bias", {"logit_bias": {"1": 1}}, "DDDD"),
        ("seed", {"seed": 1}, "DDMM"),
        ("frequency_penalty", {"frequency_penalty": 0.5}, "DDMM"),
        ("presence_penalty", {"presence_penalty": 0.5}, "DDMM"),
        ("temperature", {"temperature": 0.5}, "DDMM"),
        ("temperature beyond 1", {"temperature": 1.7}, "DDMM"),
        ("top_p", {"top_p": 0.5}, "DDMM"),
        ("stop, a string", {"stop": "END"}, "MMMM"),
        ("stop, a list", {"stop": ["END", "STOP"]}, "MMMM"),
        ("no limit", {"max_completion_tokens": None}, "EMMM"),
        (
            "instructions in mid history",
            turns(
                {"role": "assistant", "content": "yes"},
                {"role": "developer", "content": "s"},
                {"role": "user", "content": "x"},
            ),
            "MMEM",
        ),
        ("name of a user", {"messages": [{"role": "user", "content": "hi", "name": "ada"}]}, "DDDD"),
        (
            "image detail",
            chat({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "high"}}),
            "DDEM",
        ),
        ("image url", chat({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}), "MSMM"),
        ("input_audio", chat({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}), "SSMM"),
        ("input_audio, mp3", chat({"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}}), "SSMM"),
        (
            "pdf",
            chat({"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}),
            "MMMM",
        ),
        ("file id", chat({"type": "file", "file": {"file_id": "file-1"}}), "SSSS"),
        (
            "refusal in history",
            turns({"role": "assistant", "content": None, "refusal": "no"}, {"role": "user", "content": "x"}),
            "EEEE",
        ),
        ("custom tool", {"tools": [{"type": "custom", "custom": {"name": "g"}}]}, "SSSS"),
        (
            "allowed tools",
            {
                "tools": [FUNCTION, {"type": "function", "function": {"name": "g", "parameters": SCHEMA}}],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
                },
            },
            "EEME",
        ),
        ("tool_choice none", {"tools": [FUNCTION], "tool_choice": "none"}, "MEMM"),
        ("tool_choice required", {"tools": [FUNCTION], "tool_choice": "required"}, "MMMM"),
        (
            "tool_choice named",
            {"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "f"}}},
            "MMMM",
        ),
        ("parallel calls forbidden", {"tools": [FUNCTION], "parallel_tool_calls": False}, "MEEM"),
        (
            "arguments that are not JSON",
            turns({"role": "assistant", "content": None, "tool_calls": [BAD_CALL]}, ANSWERED, tools=[FUNCTION]),
            "EEEM",
        ),
        (
            "results, then the user",
            turns(
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                ANSWERED,
                {"role": "user", "content": "x"},
                tools=[FUNCTION],
            ),
            "MMME",
        ),
        ("json_object", {"response_format": {"type": "json_object"}}, "EEMM"),
        (
            "json_schema",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "response", "schema": SCHEMA}}},
            "MMMM",
        ),
        (
            "json_schema, strict",
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "response", "schema": SCHEMA, "strict": True},
                }
            },
            "MMMM",
        ),
        ("reasoning_effort", {"reasoning_effort": "high", "max_completion_tokens": None}, "MMMM"),
        (
            "cache breakpoint",
            chat({"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}),
            "MMDD",
        ),
        ("prompt_cache_key", {"prompt_cache_key": "k"}, "DDDM"),
        ("prediction", {"prediction": {"type": "content", "content": "x"}}, "DDDM"),
        ("verbosity", {"verbosity": "low"}, "DDDD"),
        ("moderation that scores", {"moderation": {"model": "omni-moderation-latest"}}, "DDDE"),
        (
            "moderation that blocks",
            {"moderation": {"model": "omni-moderation-latest", "policy": {"input": {"mode": "block"}}}},
            "SSSE",
        ),
        ("store", {"store": True}, "DDMD"),
        ("web_search_options", {"web_search_options": {}}, "SSSS"),
        ("audio output", {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}, "SSES"),
        ("audio output, mp3", {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "mp3"}}, "SSSS"),
        ("service_tier", {"service_tier": "flex"}, "DMMD"),
        ("metadata", {"metadata": {"a": "b"}}, "DMMM"),
        ("user", {"user": "u1"}, "MMMM"),
        ("safety_identifier", {"safety_identifier": "u1"}, "MMMM"),
    ],
    "anthropic": [
        (
            "cache, 5 minutes",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
                            {"type": "text", "text": "y"},
                        ],
                    }
                ]
            },
            "MMDD",
        ),
        (
            "cache, an hour",
            {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
            "MMDD",
        ),
        ("cache at the top", {"cache_control": {"type": "ephemeral"}}, "DEDD"),
        (
            "thinking",
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}, "max_tokens": 9000},
            "MMMM",
        ),
        ("thinking budget", {"thinking": {"type": "enabled", "budget_tokens": 4000}, "max_tokens": 9000}, "MDMM"),
        (
            "thoughts in history",
            turns(
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "s"},
                        {"type": "text", "text": "yes"},
                    ],
                },
                {"role": "user", "content": "x"},
            ),
            "DMDD",
        ),
        (
            "redacted thoughts in history",
            turns(
                {
                    "role": "assistant",
                    "content": [{"type": "redacted_thinking", "data": "cmVk"}, {"type": "text", "text": "yes"}],
                },
                {"role": "user", "content": "x"},
            ),
            "DMDD",
        ),
        ("image in a tool result", claude_result(content=[{"type": "text", "text": "42"}, CLAUDE_PNG]), "EMME"),
        ("failed result", claude_result(is_error=True), "EMME"),
        (
            "document by url",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
                            {"type": "text", "text": "x"},
                        ],
                    }
                ]
            },
            "SSMM",
        ),
        (
            "document with title",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "document",
                                "title": "t",
                                "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                            },
                            {"type": "text", "text": "x"},
                        ],
                    }
                ]
            },
            "MMMM",
        ),
        (
            "document citations",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "document",
                                "citations": {"enabled": True},
                                "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                            },
                            {"type": "text", "text": "x"},
                        ],
                    }
                ]
            },
            "DMDD",
        ),
        (
            "document context",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "document",
                                "context": "c",
                                "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                            },
                            {"type": "text", "text": "x"},
                        ],
                    }
                ]
            },
            "DMDD",
        ),
        (
            "document of plain text",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}},
                            {"type": "text", "text": "y"},
                        ],
                    }
                ]
            },
            "EMEE",
        ),
        (
            "search result",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "search_result",
                                "source": "https://example.com",
                                "title": "t",
                                "content": [{"type": "text", "text": "x"}],
                            }
                        ],
                    }
                ]
            },
            "EMEE",
        ),
        (
            "instructions in mid history",
            turns(
                {"role": "assistant", "content": "yes"},
                {"role": "system", "content": "s"},
                {"role": "user", "content": "x"},
            ),
            "MMEM",
        ),
        ("prefill", turns({"role": "assistant", "content": "The"}), "EEEM"),
        ("user id", {"metadata": {"user_id": "u"}}, "MMMM"),
        ("server tool", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "SSSS"),
        ("container", {"container": "c"}, "SSSS"),
        ("service tier", {"service_tier": "standard_only"}, "DDDD"),
        ("speed", {"speed": "fast"}, "DDDD"),
        ("inference_geo", {"inference_geo": "us"}, "DDDD"),
        (
            "parallel calls forbidden",
            {"tools": [CLAUDE_TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            "MEEM",
        ),
        ("a long tool name", {"tools": [{**CLAUDE_TOOL, "name": "n" * 100}]}, "EEMM"),
        ("json_schema", {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, "MMMM"),
        ("extra_body sampling", {"temperature": 0.5}, "DDMM"),
    ],
    "bedrock": [
        ("guardrailConfig", {"guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}}, "SSSS"),
        ("guardContent", converse({"guardContent": {"text": {"text": "x"}}}), "SSSS"),
        ("s3 image", converse({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/a.png"}}}}), "SSSS"),
        ("csv document", converse({"document": {"format": "csv", "name": "a", "source": {"bytes": "YSxi"}}}), "EEMM"),
        ("doc document", converse({"document": {"format": "doc", "name": "a", "source": {"bytes": "0M8R"}}}), "SSMS"),
        ("pdf document", converse({"document": {"format": "pdf", "name": "a", "source": {"bytes": PDF}}}), "MMMM"),
        (
            "document citations",
            converse(
                {"document": {"format": "pdf", "name": "a", "source": {"bytes": PDF}, "citations": {"enabled": True}}}
            ),
            "DMDD",
        ),
        ("video", converse({"video": {"format": "mp4", "source": {"bytes": "AAAA"}}}), "SSMS"),
        ("audio", converse({"audio": {"format": "wav", "source": {"bytes": WAV}}}), "MSMM"),
        ("cachePoint", converse({"cachePoint": {"type": "default"}}, {"text": "x"}), "MMDD"),
        ("top_k", {"additionalModelRequestFields": {"top_k": 5}}, "DDMM"),
        (
            "thinking",
            {
                "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 4000}},
                "inferenceConfig": {"maxTokens": 9000},
            },
            "MMMM",
        ),
        ("unknown additional field", {"additionalModelRequestFields": {"mystery": 1}}, "DDDD"),
        ("response field paths", {"additionalModelResponseFieldPaths": ["/stop_sequence"]}, "DEDD"),
        ("json in a result", converse_result({"json": {"a": 1}}), "EEME"),
        ("image in a result", converse_result({"text": "x"}, CONVERSE_PNG), "EMME"),
        ("failed result", converse_result({"text": "x"}, status="error"), "EMME"),
        ("systemTool", {"toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]}}, "SSSS"),
        ("promptVariables", {"promptVariables": {"a": {"text": "b"}}}, "SSSS"),
        ("searchResult", converse({"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}}), "EMEE"),
        ("temperature", {"inferenceConfig": {"maxTokens": 9, "temperature": 0.5}}, "DDMM"),
        ("performanceConfig", {"performanceConfig": {"latency": "optimized"}}, "DDDD"),
        ("serviceTier", {"serviceTier": {"type": "flex"}}, "MDMD"),
        ("requestMetadata", {"requestMetadata": {"a": "b"}}, "MDMM"),
        (
            "textFormat",
            {
                "outputConfig": {
                    "textFormat": {
                        "type": "json_schema",
                        "structure": {"jsonSchema": {"schema": json.dumps(SCHEMA)}},
                    }
                }
            },
            "MMMM",
        ),
    ],
    "gemini": [
        (
            "safetySettings",
            {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]},
            "DDDD",
        ),
        ("candidateCount", generation(candidateCount=2), "MSSM"),
        (
            "signature in history",
            called_gemini({"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}, {}),
            "DDDD",
        ),
        (
            "thoughts in history",
            {
                "contents": [
                    ASKED_GEMINI,
                    {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "yes"}]},
                    ASKED_GEMINI,
                ]
            },
            "DDDD",
        ),
        ("call without id", called_gemini({"functionCall": {"name": "f", "args": {"a": 1}}}, {}), "MMMM"),
        (
            "media in a result",
            called_gemini(
                {"functionCall": {"name": "f", "args": {"a": 1}}},
                {"parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}]},
            ),
            "EMME",
        ),
        (
            "OpenAPI parameters",
            {
                "tools": [
                    {
                        "functionDeclarations": [
                            {
                                "name": "f",
                                "parameters": {
                                    "type": "OBJECT",
                                    "properties": {"a": {"type": "STRING", "nullable": True}},
                                },
                            }
                        ]
                    }
                ]
            },
            "EEEE",
        ),
        ("googleSearch", {"tools": [{"googleSearch": {}}]}, "SSSS"),
        ("codeExecution", {"tools": [{"codeExecution": {}}]}, "SSSS"),
        ("cachedContent", {"cachedContent": "cachedContents/1"}, "SSSS"),
        ("gs file", contents({"fileData": {"fileUri": "gs://b/a.png", "mimeType": "image/png"}}), "SSSS"),
        (
            "public image",
            contents({"fileData": {"fileUri": "https://example.com/a.png", "mimeType": "image/png"}}),
            "MMSM",
        ),
        ("video", contents({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}), "SSSS"),
        ("audio", contents({"inlineData": {"mimeType": "audio/wav", "data": WAV}}), "MSSM"),
        ("mediaResolution", generation(mediaResolution="MEDIA_RESOLUTION_LOW"), "DDDD"),
        (
            "mediaResolution of a picture",
            {
                **contents({"inlineData": {"mimeType": "image/png", "data": PNG}}),
                **generation(mediaResolution="MEDIA_RESOLUTION_LOW"),
            },
            "MDDM",
        ),
        ("responseModalities", generation(responseModalities=["TEXT", "IMAGE"]), "SSSS"),
        (
            "speechConfig",
            generation(speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}),
            "SSSS",
        ),
        (
            "audio output",
            generation(
                responseModalities=["AUDIO"],
                speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            ),
            "MSSS",
        ),
        ("topK", generation(topK=5), "DDDM"),
        ("responseLogprobs", generation(responseLogprobs=True), "MSSM"),
        ("labels", {"labels": {"a": "b"}}, "MDMM"),
        ("serviceTier", {"serviceTier": "flex"}, "MDMD"),
        ("store", {"store": True}, "MDDD"),
        ("VALIDATED", {"tools": [DECLARED], "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}}}, "EEEE"),
        ("seed", generation(seed=1), "MDDM"),
        ("thinkingLevel", generation(thinkingConfig={"thinkingLevel": "HIGH"}), "MMMM"),
        ("responseJsonSchema", generation(responseMimeType="application/json", responseJsonSchema=SCHEMA), "MMMM"),
    ],
    "mistral": [
        ("prefix", turns({"role": "assistant", "content": "The", "prefix": True}), "EEEE"),
        ("safe_prompt", {"safe_prompt": True}, "DDDD"),
        ("guardrails that block on errors", {"guardrails": [{"block_on_error": True}]}, "SSSS"),
        ("guardrails that block", {"guardrails": [{"moderation_llm_v2": {"action": "block"}}]}, "ESSE"),
        ("guardrails that look", {"guardrails": [{"moderation_llm_v2": {"action": "none"}}]}, "EDDD"),
        ("random_seed", {"random_seed": 1}, "MDDM"),
        ("min_tokens", {"min_tokens": 5}, "DDDD"),
        ("repetition_penalty", {"repetition_penalty": 1.1}, "DDDD"),
        ("top_k", {"top_k": 5}, "DDDM"),
        ("prompt_logprobs", {"prompt_logprobs": 1}, "SSSS"),
        ("logprobs", {"logprobs": True}, "MSSM"),
        ("n", {"n": 2}, "MSSM"),
        ("presence_penalty", {"presence_penalty": 0.5}, "MDDM"),
        ("document_url", chat({"type": "document_url", "document_url": "https://example.com/a.pdf"}), "SMSM"),
        ("file", chat({"type": "file", "file_id": "f"}), "SSSS"),
        ("input_audio", chat({"type": "input_audio", "input_audio": WAV}), "MSSM"),
        (
            "thinking in history",
            turns(
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                        {"type": "text", "text": "yes"},
                    ],
                },
                {"role": "user", "content": "x"},
            ),
            "DDDD",
        ),
        (
            "arguments as an object",
            turns(
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"id": "callAB123", "function": {"name": "f", "arguments": {"a": 1}}}],
                },
                {**ANSWERED, "name": "f"},
                tools=[FUNCTION],
            ),
            "EMMM",
        ),
        ("tool_choice any", {"tools": [FUNCTION], "tool_choice": "any"}, "MMMM"),
        ("prompt_mode", {"prompt_mode": "reasoning", "max_tokens": None}, "MEMM"),
        ("reasoning_effort", {"reasoning_effort": "high", "max_tokens": None}, "MMMM"),
        ("prompt_cache_key", {"prompt_cache_key": "k"}, "MDDD"),
        ("image_generation", {"tools": [{"type": "image_generation"}]}, "SSSS"),
        ("prediction", {"prediction": {"type": "content", "content": "x"}}, "MDDD"),
        ("metadata", {"metadata": {"a": "b"}}, "MDMM"),
        ("service_tier", {"service_tier": "standard_only"}, "MDDD"),
        (
            "references in history",
            turns(
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "yes"}, {"type": "reference", "reference_ids": [1]}],
                },
                {"role": "user", "content": "x"},
            ),
            "EEEE",
        ),
    ],
}


def cells() -> Iterator[Any]:
    for primary, rows in FROM.items():
        for name, more, letters in rows:
            for target, letter in zip(ORDER[primary], letters, strict=True):
                yield pytest.param(primary, more, target, letter, id=f"{TABLES[primary]} {name} -> {target}")


def asked(primary: Provider, more: dict[str, Any]) -> Request:
    named = {} if primary in ("bedrock", "gemini") else {"model": CALLERS[primary]}
    body = {name: value for name, value in {**PLAIN[primary], **named, **more}.items() if value is not None}
    return codec(primary).decode_request(WireRequest(body=body, model=CALLERS[primary]))


def lost(primary: Provider, more: dict[str, Any], target: Provider, model: str) -> tuple[Loss, ...]:
    return codec(target).encode_request(replace(asked(primary, more), model=model)).losses


def is_as_said(losses: tuple[Loss, ...], letter: str) -> bool:
    meaning = any(loss.matters == "meaning" for loss in losses)
    dropped = any(loss.kind == "dropped" for loss in losses)
    match letter:
        case "S":
            return meaning
        case "M":
            return not meaning and not dropped
        case "E":
            return not meaning and not (losses and all(loss.kind == "dropped" for loss in losses))
        case "D":
            return not meaning and dropped
        case _:
            raise ValueError(letter)


@pytest.mark.parametrize(("primary", "more", "target", "letter"), list(cells()))
def test_a_cell_of_the_tables(primary: Provider, more: dict[str, Any], target: Provider, letter: str) -> None:
    losses = lost(primary, more, target, MODELS[target])
    assert is_as_said(losses, letter), (letter, losses)


NOVA = "amazon.nova-pro-v1:0"
OLDER = "anthropic.claude-sonnet-4-5-20250929-v1:0"
BEGUN = turns({"role": "assistant", "content": "The"})
BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 4000}, "max_tokens": 9000}
BY_MODEL: list[tuple[str, Provider, dict[str, Any], Provider, str, str]] = [
    ("11.1 temperature", "openai", {"temperature": 1.7}, "bedrock", NOVA, "M"),
    ("11.1 top_p", "openai", {"top_p": 0.5}, "bedrock", OLDER, "M"),
    (
        "11.1 input_audio",
        "openai",
        chat({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}),
        "bedrock",
        NOVA,
        "M",
    ),
    ("11.2 thinking", "anthropic", BUDGET, "bedrock", OLDER, "M"),
    ("11.2 thinking", "anthropic", BUDGET, "bedrock", NOVA, "D"),
    ("11.2 prefill", "anthropic", BEGUN, "bedrock", OLDER, "M"),
    ("11.2 prefill", "anthropic", BEGUN, "bedrock", NOVA, "E"),
    (
        "11.2 thoughts",
        "anthropic",
        turns({"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}]}),
        "bedrock",
        NOVA,
        "D",
    ),
    (
        "11.2 cache_control",
        "anthropic",
        {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
        "openai",
        "gpt-5",
        "D",
    ),
    ("11.2 sampling", "anthropic", {"temperature": 0.5}, "openai", "gpt-4.1", "M"),
    (
        "11.3 temperature",
        "bedrock",
        {"inferenceConfig": {"maxTokens": 9, "temperature": 0.5}},
        "openai",
        "gpt-4.1",
        "M",
    ),
    ("11.3 prompt ARN", "bedrock", {"messages": []}, "openai", "gpt-6.2", "S"),
    ("11.4 top_k", "gemini", generation(topK=5), "bedrock", NOVA, "M"),
    ("11.4 video", "gemini", contents({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}), "bedrock", NOVA, "M"),
    (
        "11.5 prefix",
        "mistral",
        turns({"role": "assistant", "content": "The", "prefix": True}),
        "anthropic",
        "claude-opus-4-5",
        "M",
    ),
    ("11.5 top_k", "mistral", {"top_k": 5}, "bedrock", NOVA, "M"),
    ("11.5 input_audio", "mistral", chat({"type": "input_audio", "input_audio": WAV}), "bedrock", NOVA, "M"),
]
"""Cells that depend on the target's model (`MODELS` are today's)."""


@pytest.mark.parametrize(("_name", "primary", "more", "target", "model", "letter"), BY_MODEL)
def test_a_cell_that_depends_on_the_model(
    _name: str, primary: Provider, more: dict[str, Any], target: Provider, model: str, letter: str
) -> None:
    request = asked(primary, more)
    if "prompt" in _name:
        arn = "arn:aws:bedrock:us-east-1:1:prompt/AAAAAAAAAA:1"
        request = codec(primary).decode_request(WireRequest(body=more, model=arn))
    losses = codec(target).encode_request(replace(request, model=model)).losses
    assert is_as_said(losses, letter), (letter, losses)


OPEN = {**SCHEMA, "additionalProperties": True}
OPTIONAL = {**SCHEMA, "required": []}


@pytest.mark.parametrize(("schema", "strict"), [(SCHEMA, True), (OPEN, None), (OPTIONAL, None)])
@pytest.mark.parametrize("primary", ["bedrock", "gemini"])
def test_a_schema_that_binds_is_strict_at_openai_or_said_not_to_be(
    primary: Provider, schema: dict[str, Any], strict: bool | None
) -> None:
    described = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema)}}}
    more: dict[Provider, dict[str, Any]] = {
        "bedrock": {"outputConfig": {"textFormat": described}},
        "gemini": generation(responseMimeType="application/json", responseJsonSchema=schema),
    }
    encoded = codec("openai").encode_request(replace(asked(primary, more[primary]), model="gpt-6.2"))
    assert encoded.value.body["response_format"]["json_schema"].get("strict") is strict
    assert {loss.path for loss in encoded.losses} == (set() if strict else {"response_format.strict"})


def test_a_search_result_is_a_block_of_its_own_at_both_of_claudes_doors() -> None:
    block = {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}
    body = {"messages": [{"role": "user", "content": [{**block, "cache_control": {"type": "ephemeral"}}]}]}
    request = asked("anthropic", body)
    claude = codec("bedrock").encode_request(replace(request, model=MODELS["bedrock"])).value.body
    found = {"source": "s", "title": "t", "content": [{"text": "x"}]}
    assert claude["messages"][0]["content"] == [{"searchResult": found}, {"cachePoint": {"type": "default"}}]
    again = codec("bedrock").decode_request(WireRequest(body=claude, model=MODELS["bedrock"]))
    home = codec("anthropic").encode_request(replace(again, model="m", max_tokens=9)).value.body
    assert home["messages"] == body["messages"]
    nova = codec("bedrock").encode_request(replace(request, model=NOVA)).value.body
    assert nova["messages"][0]["content"][0] == {"text": "t (s)\nx"}


def test_a_marker_beside_the_turns_marks_the_last_block_behind_bedrock() -> None:
    request = asked("anthropic", {"cache_control": {"type": "ephemeral", "ttl": "1h"}})
    body = codec("bedrock").encode_request(replace(request, model=MODELS["bedrock"])).value.body
    assert body["messages"][-1]["content"] == [{"text": "hi"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]


def test_a_claude_behind_bedrock_says_which_stop_sequence_it_was() -> None:
    request = asked("anthropic", {"stop_sequences": ["END"]})
    for model, paths in ((MODELS["bedrock"], ["/stop_sequence"]), (NOVA, None)):
        body = codec("bedrock").encode_request(replace(request, model=model)).value.body
        assert body.get("additionalModelResponseFieldPaths") == paths


@pytest.mark.parametrize(
    ("chunk", "words"),
    [
        ({"type": "reference", "reference_ids": [1, "a"]}, "[1, a]"),
        ({"type": "resource", "uri": "file:///a", "content": {"type": "text", "text": "x"}}, "file:///a\nx"),
        ({"type": "resource_link", "uri": "https://example.com", "name": "n"}, "n (https://example.com)"),
    ],
)
def test_what_mistral_refers_to_is_words_elsewhere_and_itself_at_home(chunk: dict[str, Any], words: str) -> None:
    said = {"role": "assistant", "content": [{"type": "text", "text": "yes"}, chunk]}
    request = asked("mistral", turns(said, {"role": "user", "content": "x"}))
    home = codec("mistral").encode_request(request)
    assert (home.value.body["messages"][1], home.losses) == (said, ())
    assert words in str(codec("openai").encode_request(request).value.body["messages"][1]["content"]).replace(
        "\\n", "\n"
    )
    assert (
        words
        in json.loads(json.dumps(codec("gemini").encode_request(request).value.body))["contents"][1]["parts"][1]["text"]
    )


HIGH = "MEDIA_RESOLUTION_HIGH"


def picture(detail: str | None) -> dict[str, Any]:
    more = {"detail": detail} if detail else {}
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", **more}}


@pytest.mark.parametrize(
    ("details", "resolution", "lost"),
    [
        (["high"], HIGH, {}),
        (["low", "low"], "MEDIA_RESOLUTION_LOW", {}),
        (["original"], HIGH, {1: "approximated"}),
        (["low", "high"], HIGH, {1: "approximated"}),
        ([None, "high"], HIGH, {1: "approximated"}),
        ([None, "low"], None, {2: "dropped"}),
        ([None], None, {}),
    ],
)
def test_the_details_of_pictures_are_geminis_one_resolution(
    details: list[str | None], resolution: str | None, lost: dict[int, str]
) -> None:
    request = asked("openai", chat(*map(picture, details)))
    encoded = codec("gemini").encode_request(replace(request, model=MODELS["gemini"]))
    assert encoded.value.body["generationConfig"].get("mediaResolution") == resolution
    assert {loss.path: loss.kind for loss in encoded.losses} == {
        f"messages[0].parts[{index}].detail": kind for index, kind in lost.items()
    }


def test_geminis_resolution_is_the_detail_of_each_picture_and_a_parts_own_stays_its_own() -> None:
    png = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    own = {**png, "mediaResolution": {"level": "MEDIA_RESOLUTION_ULTRA_HIGH"}}
    body = {**contents(png, own), **generation(mediaResolution="MEDIA_RESOLUTION_LOW")}
    request = asked("gemini", body)
    home = codec("gemini").encode_request(request)
    assert (home.value.body, home.losses) == (body, ())
    chats = codec("openai").encode_request(replace(request, model=MODELS["openai"]))
    images = [part["image_url"] for part in chats.value.body["messages"][0]["content"][1:]]
    assert ([image["detail"] for image in images], chats.losses) == (["low", "original"], ())
    mistral = codec("mistral").encode_request(replace(request, model=MODELS["mistral"]))
    assert [loss.path for loss in mistral.losses] == ["messages[0].parts[2].detail"]


@pytest.mark.parametrize(("detail", "said"), [("low", "low"), ("high", "high"), ("auto", None)])
def test_a_file_has_a_detail_in_responses(detail: str, said: str | None) -> None:
    file = {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    body = {"model": "gpt-6.2", "input": [{"role": "user", "content": [{**file, "detail": detail}]}]}
    request = codec("openai_responses").decode_request(WireRequest(body=body, model="gpt-6.2"))
    home = codec("openai_responses").encode_request(request).value.body["input"][0]["content"][0]
    assert (home.get("detail"), home["file_data"]) == (said, file["file_data"])


@pytest.mark.parametrize(
    ("policy", "action"),
    [
        (None, "none"),
        ({"input": {"mode": "score"}, "output": {"mode": "score"}}, "none"),
        ({"input": {"mode": "block"}, "output": {"mode": "block"}}, "block"),
        ({"output": {"mode": "block"}}, "block"),
    ],
)
def test_moderation_becomes_a_guardrail(policy: dict[str, Any] | None, action: str) -> None:
    moderation = {"model": "omni-moderation-latest", **({"policy": policy} if policy else {})}
    body = {**PLAIN["openai"], "model": MODELS["openai"], "moderation": moderation}
    request = codec("openai").decode_request(WireRequest(body, MODELS["openai"]))
    encoded = codec("mistral").encode_request(replace(request, model=MODELS["mistral"]))
    assert encoded.value.body["guardrails"] == [{"moderation_llm_v2": {"action": action}}]
    assert {loss.path: loss.kind for loss in encoded.losses}["provider_fields.openai.moderation"] == "emulated"
    assert not [loss for loss in encoded.losses if loss.matters == "meaning"]


@pytest.mark.parametrize("wire_name", ["openai", "openai_responses"])
@pytest.mark.parametrize(("action", "mode"), [("block", "block"), ("none", "score"), (None, "score")])
def test_a_guardrail_becomes_moderation(wire_name: Any, action: str | None, mode: str) -> None:
    check = {} if action is None else {"action": action}
    body = {**PLAIN["mistral"], "model": MODELS["mistral"], "guardrails": [{"moderation_llm_v2": check}]}
    request = codec("mistral").decode_request(WireRequest(body, MODELS["mistral"]))
    encoded = codec(wire_name).encode_request(replace(request, model=MODELS["openai"]))
    assert encoded.value.body["moderation"]["policy"] == {"input": {"mode": mode}, "output": {"mode": mode}}
    assert not [loss for loss in encoded.losses if loss.matters == "meaning"]


@pytest.mark.parametrize(
    "guardrail",
    [
        {"block_on_error": True, "moderation_llm_v2": {"action": "none"}},
        {"moderation_llm_v2": {"action": "block", "custom_category_thresholds": {"pii": 0.1}}},
        {"moderation_llm_v1": {"action": "notify"}},
        {"another": 1},
    ],
)
@pytest.mark.parametrize("target", ["openai", "gemini"])
def test_a_guardrail_that_says_more_skips_the_target(guardrail: dict[str, Any], target: Provider) -> None:
    body = {**PLAIN["mistral"], "model": MODELS["mistral"], "guardrails": [guardrail]}
    request = codec("mistral").decode_request(WireRequest(body, MODELS["mistral"]))
    encoded = codec(target).encode_request(replace(request, model=MODELS[target]))
    assert {"moderation", "safetySettings"}.isdisjoint(encoded.value.body)
    assert [loss.path for loss in encoded.losses if loss.matters == "meaning"] == ["provider_fields.mistral.guardrails"]


@pytest.mark.parametrize("guardrails", [[{}], [{"moderation_llm_v2": None}]])
def test_a_guardrail_that_asks_for_nothing_becomes_nothing(guardrails: Any) -> None:
    body = {**PLAIN["mistral"], "model": MODELS["mistral"], "guardrails": guardrails}
    request = codec("mistral").decode_request(WireRequest(body, MODELS["mistral"]))
    encoded = codec("openai").encode_request(replace(request, model=MODELS["openai"]))
    assert "moderation" not in encoded.value.body
    assert [(loss.kind, loss.matters) for loss in encoded.losses if "guardrails" in loss.path] == [
        ("dropped", "tuning")
    ]
