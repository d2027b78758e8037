"""Stand-ins for providers, for people without keys: local servers that speak the providers' own dialects.

====================  =================================================================
base URL              what is served below it
====================  =================================================================
`/openai/v1`          OpenAI: Responses and their input tokens, Chat Completions, embeddings
`/anthropic`          Anthropic: Messages and their tokens
`/gemini`             Gemini: generateContent, streamGenerateContent, countTokens, batchEmbedContents
`/deepseek`           DeepSeek: Chat Completions
`/mistral`            Mistral: Chat Completions, embeddings
====================  =================================================================

The base URLs are as the providers' own SDKs take them; any key is accepted. Answers are canned and say so: text begins with
`[sandbox] `, the model in answers ends in `-sandbox`. Requests are refused as the provider would refuse them, in its words:
a schema keyword that Gemini does not know, a call id that is not Mistral's, an image for DeepSeek.

Vectors are made from the words of a text, so that texts with the same words are near each other.

A tool is called when `tool_choice` forces it, or when the last user text has a word of its name or description; once a
tool's result has come in, the answer is text. Structured output is a small instance of the schema. Words in square
brackets in the last user text change the behaviour:

=====================  ==========================================================================
`[sandbox:429]`        an HTTP error in the provider's form; also 400 401 403 404 413 500 503 529
`[sandbox:fail]`       the stream ends in the provider's sign of failure; 500 when not streamed
`[sandbox:cut]`        the connection breaks off in the middle of the answer
`[sandbox:eof]`        the stream ends cleanly, but without its last events
`[sandbox:stall]`      silence in the middle of the answer, until the client leaves
`[sandbox:slow]`       ten times slower
`[sandbox:refuse]`     the model refuses
`[sandbox:max_tokens]` the answer stops as if the limit on output tokens had been reached
`[sandbox:tokens=500]` an answer of so many tokens, 20,000 at most
`[sandbox:parallel]`   two calls of the same tool in one answer
=====================  ==========================================================================
"""
