"""Price pages' figures for the models of the recorded traffic, by hand: dollars per million tokens.

Input, cached input, five-minute write, one-hour write, output; as genai-prices 0.2.3 (2026-11-10) has the pages, read
2026-11-25. None of these calls is long enough for a tier.
"""

from __future__ import annotations

FIGURES: dict[str, str] = {
    "anthropic claude-3-5-haiku-20241022": "0.8 0.08 1 1.6 4",
    "anthropic claude-3-5-sonnet-20240620": "3 0.3 3.75 6 15",
    "anthropic claude-3-5-sonnet-20241022": "3 0.3 3.75 6 15",
    "anthropic claude-3-haiku-20240307": "0.25 0.03 0.3 0.5 1.25",
    "anthropic claude-3-opus-20240229": "15 1.5 18.75 30 75",
    "anthropic claude-haiku-4-5-20251001": "1 0.1 1.25 2 5",
    "anthropic claude-opus-4-6": "5 0.5 6.25 10 25",
    "anthropic claude-sonnet-4-20250514": "3 0.3 3.75 6 15",
    "anthropic claude-sonnet-4-5-20250929": "3 0.3 3.75 6 15",
    "anthropic claude-sonnet-4-6": "3 0.3 3.75 6 15",
    "anthropic claude-sonnet-5": "2 0.2 2.5 4 10",
    "bedrock amazon.nova-lite-v1:0": "0.06 0.015 0.06 0.06 0.24",
    "bedrock amazon.nova-micro-v1:0": "0.035 0.00875 0.035 0.035 0.14",
    "bedrock amazon.titan-text-express-v1": "0.2 0.2 0.2 0.2 0.6",
    "bedrock amazon.titan-text-lite-v1": "0.15 0.15 0.15 0.15 0.2",
    "bedrock anthropic.claude-3-5-sonnet-20240620-v1:0": "3 0.3 3.75 3.75 15",
    "bedrock anthropic.claude-3-haiku-20240307-v1:0": "0.25 0.25 0.25 0.25 1.25",
    "bedrock meta.llama3-2-1b-instruct-v1:0": "0.1 0.1 0.1 0.1 0.1",
    "bedrock meta.llama3-8b-instruct-v1:0": "0.3 0.3 0.3 0.3 0.6",
    "bedrock mistral.mistral-7b-instruct-v0:2": "0.15 0.15 0.15 0.15 0.2",
    "bedrock mistral.mistral-large-3-675b-instruct": "0.5 0.5 0.5 0.5 1.5",
    "bedrock us.amazon.nova-2-lite-v1:0": "0.33 0.0825 0.33 0.33 2.75",
    "bedrock us.amazon.nova-micro-v1:0": "0.035 0.00875 0.035 0.035 0.14",
    "bedrock us.anthropic.claude-3-7-sonnet-20250219-v1:0": "3 0.3 3.75 3.75 15",
    "bedrock us.anthropic.claude-haiku-4-5-20251001-v1:0": "1.1 0.11 1.375 2.2 5.5",
    "bedrock us.anthropic.claude-sonnet-4-20250514-v1:0": "3 0.3 3.75 3.75 15",
    "bedrock us.anthropic.claude-sonnet-4-5-20250929-v1:0": "3.3 0.33 4.125 6.6 16.5",
    "bedrock us.anthropic.claude-sonnet-4-6": "3.3 0.33 4.125 6.6 16.5",
    "gemini gemini-1.5-flash": "0.075 0.01875 0.075 0.075 0.3",
    "gemini gemini-2.0-flash": "0.1 0.025 0.1 0.1 0.4",
    "gemini gemini-2.5-flash": "0.3 0.03 0.3 0.3 2.5",
    "gemini gemini-2.5-flash-lite": "0.1 0.01 0.1 0.1 0.4",
    "gemini gemini-2.5-pro": "1.25 0.125 1.25 1.25 10",
    "gemini gemini-3-flash-preview": "0.5 0.05 0.5 0.5 3",
    "gemini gemini-3-pro-preview": "2 0.2 2 2 12",
    "gemini gemini-3.1-pro-preview": "2 0.2 2 2 12",
    "gemini gemini-3.5-flash": "1.5 0.15 1.5 1.5 9",
    "mistral magistral-medium-latest": "2 2 2 2 5",
    "mistral ministral-8b-latest": "0.15 0.015 0.15 0.15 0.15",
    "mistral mistral-large-latest": "2 2 2 2 6",
    "mistral mistral-medium-latest": "1.5 0.15 1.5 1.5 7.5",
    "mistral mistral-small-2506": "0.1 0.1 0.1 0.1 0.3",
    "mistral mistral-small-latest": "0.15 0.015 0.15 0.15 0.6",
    "mistral open-mistral-nemo": "0.15 0.15 0.15 0.15 0.15",
    "mistral voxtral-small-latest": "0.1 0.01 0.1 0.1 0.4",
    "openai gpt-3.5-turbo-0125": "0.5 0.5 0.5 0.5 1.5",
    "openai gpt-35-turbo": "0.5 0.5 0.5 0.5 1.5",
    "openai gpt-4.1-2025-04-14": "2 0.5 2 2 8",
    "openai gpt-4.1-mini-2025-04-14": "0.4 0.1 0.4 0.4 1.6",
    "openai gpt-4.1-nano-2025-04-14": "0.1 0.025 0.1 0.1 0.4",
    "openai gpt-4o-2024-08-06": "2.5 1.25 2.5 2.5 10",
    "openai gpt-4o-2024-11-20": "2.5 1.25 2.5 2.5 10",
    "openai gpt-4o-audio-preview-2025-06-03": "2.5 2.5 2.5 2.5 10",
    "openai gpt-4o-mini-2024-07-18": "0.15 0.075 0.15 0.15 0.6",
    "openai gpt-4o-mini-audio-preview-2024-12-17": "0.15 0.15 0.15 0.15 0.6",
    "openai gpt-4o-search-preview-2025-03-11": "2.5 2.5 2.5 2.5 10",
    "openai gpt-5-2025-08-07": "1.25 0.125 1.25 1.25 10",
    "openai gpt-5-mini": "0.25 0.025 0.25 0.25 2",
    "openai gpt-5-mini-2025-08-07": "0.25 0.025 0.25 0.25 2",
    "openai gpt-5-nano-2025-08-07": "0.05 0.005 0.05 0.05 0.4",
    "openai gpt-5.1-2025-11-13": "1.25 0.125 1.25 1.25 10",
    "openai gpt-5.4-2026-03-05": "2.5 0.25 2.5 2.5 15",
    "openai gpt-5.4-nano-2026-03-17": "0.2 0.02 0.2 0.2 1.25",
    "openai gpt-5.6-sol": "4 0.4 5 5 20",
    "openai gpt-5.6-terra": "2 0.2 2.5 2.5 12",
    "openai o4-mini-2025-04-16": "1.1 0.275 1.1 1.1 4.4",
    "openai gpt-4": "30 30 30 30 60",
}
AUDIO: dict[str, str] = {
    "gemini gemini-2.5-flash": "1 2.5",
    "gemini gemini-3-flash-preview": "1 3",
    "openai gpt-4o-audio-preview-2025-06-03": "40 80",
    "openai gpt-4o-mini-audio-preview-2024-12-17": "10 20",
}
"""Audio input and output, where they are priced apart."""

AUDIO_HOUR = {"mistral voxtral-small-latest": "0.24"}
"""Dollars for an hour of audio, whose tokens are then free."""

SEARCH = "10"
"""Anthropic's thousand web searches."""

SEARCHES = {
    "openai gpt-4o-search-preview-2025-03-11": "25",
    "gemini gemini-2.5-flash": "35",
    "gemini gemini-3-pro-preview": "14",
    "gemini gemini-3-flash-preview": "14",
}
"""A thousand searches, where it is not that; Gemini 2.5's are answers with any (see fixtures/bills.json)."""

UNPRICED = {
    "mistral ministral-3b-latest",
    "bedrock minimax.minimax-m2",
    "gemini gemma-3-27b-it",
    "mistral mistral-small",
}
"""What genai-prices 0.2.3 has no figure for."""
