"""Keys of model providers and of what is built around models."""

from libs.firewall.detectors.vendor import token

AI = (
    token(
        "openai_key",
        "OpenAI API key",
        r"\bsk-(?:proj|svcacct|admin|service|None)-[A-Za-z0-9_-]{20,}",
        r"\bsk-[A-Za-z0-9_-]{16,80}T3BlbkFJ[A-Za-z0-9_-]{16,}",
        r"\bsk-[A-Za-z0-9]{32,64}\b",
        r"\bsess-[A-Za-z0-9]{40}\b",
    ),
    token("anthropic_key", "Anthropic API key or token", r"\bsk-ant-[a-z]{3,6}\d{2}-[A-Za-z0-9_-]{80,}"),
    token("openrouter_key", "OpenRouter API key", r"\bsk-or-(?:v1-)?[A-Za-z0-9_-]{40,}"),
    token("groq_key", "Groq API key", r"\bgsk_[A-Za-z0-9]{40,64}\b"),
    token("xai_key", "xAI API key", r"\bxai-(?:token-)?[A-Za-z0-9_-]{60,}"),
    token("perplexity_key", "Perplexity API key", r"\bpplx-[A-Za-z0-9]{40,64}\b"),
    token("huggingface_token", "Hugging Face token", r"\bhf_[A-Za-z0-9]{33,40}\b", r"\bapi_org_[A-Za-z0-9]{33,36}\b"),
    token("replicate_token", "Replicate API token", r"\br8_[A-Za-z0-9]{37,40}\b"),
    token("nvidia_key", "NVIDIA API key", r"\bnvapi-[A-Za-z0-9_-]{40,}"),
    token("fireworks_key", "Fireworks API key", r"\bfw_[A-Za-z0-9]{22,64}\b"),
    token("cerebras_key", "Cerebras API key", r"\bcsk-[a-z0-9]{40,64}\b"),
    token("langsmith_key", "LangSmith API key", r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}\b"),
    token("langfuse_key", "Langfuse secret key", r"\bsk-lf-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    token("pinecone_key", "Pinecone API key", r"\bpcsk_[A-Za-z0-9_]{40,}"),
    token("tavily_key", "Tavily API key", r"\btvly-(?:dev-|prod-)?[A-Za-z0-9_-]{24,}"),
    token("jina_key", "Jina API key", r"\bjina_[A-Za-z0-9_-]{40,}"),
    token("voyage_key", "Voyage API key", r"\bpa-[A-Za-z0-9_-]{43}\b"),
    token("e2b_key", "E2B API key", r"\be2b_[0-9a-f]{40}\b"),
    token("wandb_key", "Weights & Biases API key", r"\bwandb_v\d_[A-Za-z0-9_]{40,}"),
    token("brave_search_key", "Brave Search API key", r"\bBSA[A-Za-z0-9_-]{28}\b"),
    token("apify_token", "Apify token", r"\bapify_api_[A-Za-z0-9]{30,}"),
)
