"""The provider dialects. Each is a package with a class that fits services.provider_worker.dialect.Dialect; which provider speaks
which is data, in libs/catalog/providers.toml."""
