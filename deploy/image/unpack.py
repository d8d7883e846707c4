#!/usr/bin/python3
"""Unpack the one layer of an image archive of mkimage.py: unpack.py ARCHIVE DIRECTORY"""

import gzip
import io
import json
import sys
import tarfile


def main(archive, directory):
    with tarfile.open(archive) as t:
        def blob(digest):
            return t.extractfile("blobs/" + digest.replace(":", "/")).read()
        index = json.load(t.extractfile("index.json"))
        manifest = json.loads(blob(index["manifests"][0]["digest"]))
        layer = gzip.decompress(blob(manifest["layers"][0]["digest"]))
    with tarfile.open(fileobj=io.BytesIO(layer)) as t:
        t.extractall(directory)


if __name__ == "__main__":
    main(*sys.argv[1:])
