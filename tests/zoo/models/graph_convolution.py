"""GCN (Kipf and Welling, 2016) on a dense adjacency; the file makes its own inputs, one graph with a lonely node."""

import torch
import torch.nn.functional as F
from torch import nn


class GraphConv(nn.Module):
    def __init__(self, fin, fout):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(fin, fout))
        self.bias = nn.Parameter(torch.zeros(fout))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adj):
        return adj @ (x @ self.weight) + self.bias


def normalise(adj):
    """D^-1/2 (A + I) D^-1/2"""
    adj = adj + torch.eye(adj.size(-1), device=adj.device)
    scale = adj.sum(dim=-1).pow(-0.5)
    return scale[..., :, None] * adj * scale[..., None, :]


class Model(nn.Module):
    def __init__(self, features, hidden, classes):
        super().__init__()
        self.conv1 = GraphConv(features, hidden)
        self.conv2 = GraphConv(hidden, classes)

    def forward(self, x, adj):
        adj = normalise(adj)
        x = F.relu(self.conv1(x, adj))
        x = F.dropout(x, 0.5, training=self.training)
        return self.conv2(x, adj)  # (B, nodes, classes)


def get_inputs():
    nodes = 12
    adj = (torch.rand(3, nodes, nodes) < 0.3).float()
    adj = torch.maximum(adj, adj.transpose(1, 2)) * (1 - torch.eye(nodes))
    adj[:, 0, :] = 0.0
    adj[:, :, 0] = 0.0
    return [torch.randn(3, nodes, 7), adj]


def get_init_inputs():
    return [7, 16, 4]
