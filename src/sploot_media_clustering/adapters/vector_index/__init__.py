"""Indexes of vectors: exact, of scikit-learn, and FAISS's HNSW and IVF-PQ."""
