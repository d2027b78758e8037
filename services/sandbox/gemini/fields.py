"""The fields of Gemini's request messages, by message: what is not here is an unknown name.

`[]` before a type repeats it, `{}` makes it the values of a map. Types in lower case are scalars, other words messages, and
`Type` and its like, in ENUMS, enumerations.

https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching#Content, https://ai.google.dev/api/embeddings,
https://ai.google.dev/api/tokens
"""

ENUMS = {
    "Type": ("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"),
    "Mode": ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"),
    "ThinkingLevel": ("THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"),
    "HarmCategory": (
        "HARM_CATEGORY_UNSPECIFIED", "HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_SEXUALLY_EXPLICIT",
        "HARM_CATEGORY_DANGEROUS_CONTENT", "HARM_CATEGORY_CIVIC_INTEGRITY",
    ),
    "TaskType": (
        "TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING",
        "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY",
    ),
    "HarmBlockThreshold": (
        "HARM_BLOCK_THRESHOLD_UNSPECIFIED", "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF",
    ),
}  # fmt: skip

MESSAGES: dict[str, dict[str, str]] = {
    "GenerateContentRequest": {
        "model": "string", "contents": "[]Content", "systemInstruction": "Content", "tools": "[]Tool", "toolConfig": "ToolConfig",
        "safetySettings": "[]SafetySetting", "generationConfig": "GenerationConfig", "cachedContent": "string", "serviceTier": "string",
        "store": "bool",
    },
    "BatchEmbedContentsRequest": {"model": "string", "requests": "[]EmbedContentRequest"},
    "EmbedContentRequest": {
        "model": "string", "content": "Content", "taskType": "TaskType", "title": "string", "outputDimensionality": "int",
        "embedContentConfig": "any",
    },
    "CountTokensRequest": {"model": "string", "contents": "[]Content", "generateContentRequest": "GenerateContentRequest"},
    "Content": {"role": "string", "parts": "[]Part"},
    "Part": {
        "text": "string", "thought": "bool", "thoughtSignature": "bytes", "inlineData": "Blob", "fileData": "FileData",
        "functionCall": "FunctionCall", "functionResponse": "FunctionResponse", "executableCode": "any", "codeExecutionResult": "any",
        "videoMetadata": "any", "mediaResolution": "any", "partMetadata": "struct", "toolCall": "any", "toolResponse": "any",
    },
    "Blob": {"mimeType": "string", "data": "bytes", "displayName": "string"},
    "FileData": {"mimeType": "string", "fileUri": "string", "displayName": "string"},
    "FunctionCall": {"id": "string", "name": "string", "args": "struct"},
    "FunctionResponse": {
        "id": "string", "name": "string", "response": "struct", "parts": "[]FunctionResponsePart", "willContinue": "bool",
        "scheduling": "string",
    },
    "FunctionResponsePart": {"inlineData": "Blob", "fileData": "FileData"},
    "Tool": {
        "functionDeclarations": "[]FunctionDeclaration", "googleSearch": "any", "googleSearchRetrieval": "any", "codeExecution": "any",
        "urlContext": "any", "computerUse": "any", "googleMaps": "any", "fileSearch": "any", "mcpServers": "any",
    },
    "FunctionDeclaration": {
        "name": "string", "description": "string", "parameters": "Schema", "parametersJsonSchema": "any", "response": "Schema",
        "responseJsonSchema": "any", "behavior": "string",
    },
    "Schema": {
        "type": "Type", "format": "string", "title": "string", "description": "string", "nullable": "bool", "enum": "[]string",
        "maxItems": "int", "minItems": "int", "properties": "{}Schema", "required": "[]string", "minProperties": "int",
        "maxProperties": "int", "minLength": "int", "maxLength": "int", "pattern": "string", "example": "any", "anyOf": "[]Schema",
        "propertyOrdering": "[]string", "default": "any", "items": "Schema", "minimum": "float", "maximum": "float",
    },
    "ToolConfig": {
        "functionCallingConfig": "FunctionCallingConfig", "retrievalConfig": "any", "includeServerSideToolInvocations": "bool",
    },
    "FunctionCallingConfig": {"mode": "Mode", "allowedFunctionNames": "[]string"},
    "SafetySetting": {"category": "HarmCategory", "threshold": "HarmBlockThreshold"},
    "GenerationConfig": {
        "stopSequences": "[]string", "responseMimeType": "string", "responseSchema": "Schema", "responseJsonSchema": "any",
        "responseModalities": "[]string", "candidateCount": "int", "maxOutputTokens": "int", "temperature": "float", "topP": "float",
        "topK": "int", "seed": "int", "presencePenalty": "float", "frequencyPenalty": "float", "responseLogprobs": "bool",
        "logprobs": "int", "enableEnhancedCivicAnswers": "bool", "speechConfig": "any", "thinkingConfig": "ThinkingConfig",
        "imageConfig": "any", "mediaResolution": "string", "responseFormat": "any",
    },
    "ThinkingConfig": {"includeThoughts": "bool", "thinkingBudget": "int", "thinkingLevel": "ThinkingLevel"},
}  # fmt: skip
