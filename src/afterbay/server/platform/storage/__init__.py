"""Files of the platform by key: profiles, results, exports; a folder by default, S3 or Google by address.

```python
storage = open_storage("/var/lib/afterbay/storage")  # or s3://bucket/folder, gs://bucket/folder
storage.put("exports/7f3a/options.xlsx", content)
```
"""

from afterbay.server.platform.storage.interface import Found, Health, Storage, Stored
from afterbay.server.platform.storage.opening import open_storage

__all__ = ["Found", "Health", "Storage", "Stored", "open_storage"]
