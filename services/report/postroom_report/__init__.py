"""Reports: from a query or given rows to a document in object storage, at any size."""
