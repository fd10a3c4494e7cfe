from __future__ import annotations

import pytest
from api_service import Service, service_in_memory
from asgi_client import Client


@pytest.fixture
def service() -> Service:
    return service_in_memory()


@pytest.fixture
def client(service: Service) -> Client:
    return service.client()
