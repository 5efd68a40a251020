"""faiss' exact search over the vectors of a file, for the queries of another; asked line by line for the best k.

python flat_search.py DOCUMENTS QUERIES DIMENSION THREADS: each line of standard input is a k, each answer the seconds that the
search took and, per query, positions and scores.
"""

import json
import sys
import time

import faiss
import numpy

documents, queries = (numpy.fromfile(path, dtype=numpy.float32).reshape(-1, int(sys.argv[3])) for path in sys.argv[1:3])
faiss.omp_set_num_threads(int(sys.argv[4]))
index = faiss.IndexFlatIP(documents.shape[1])
index.add(documents)
for line in sys.stdin:
    started = time.perf_counter()
    scores, positions = index.search(queries, int(line))
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "positions": positions.tolist(), "scores": scores.tolist()}), flush=True)
