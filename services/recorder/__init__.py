"""The end of the ledger: takes rows from JetStream into ClickHouse, and answers questions about them."""
